package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"dispatcher/cmd/dispatcher/chatui"
	"dispatcher/flows"
	"dispatcher/flows/rehearse"
)

// replayTest plays a test up to a line and tells it on the way.
func (c *chatting) replayTest(where string, said func(input string, lines []rehearse.Line)) error {
	i := strings.LastIndex(where, ":")
	line, err := strconv.Atoi(where[i+1:])
	if i < 1 || err != nil || line < 1 {
		return fmt.Errorf("--replay %q: write TESTFILE:LINE, for example flows/tests/welcome.test.yaml:22", where)
	}
	project, tests := flows.LoadTests(c.project.Files, c.main.options(c.root, nil))
	if !tests.OK() {
		tests.WriteText(c.main.Err, false)
		return errFindings
	}
	suite := (&tester{main: c.main, flags: &testFlags{}}).suite(c.root, project, tests)
	test, steps, err := suite.At(c.testPath(where[:i]), line)
	if err != nil {
		return fmt.Errorf("--replay %s: %w", where, err)
	}
	c.talk, err = suite.Replay(test, steps, said)
	if err != nil {
		return fmt.Errorf("--replay %s: %w", where, err)
	}
	return nil
}

// testPath is a test file as the project knows it, however it was named.
func (c *chatting) testPath(file string) string {
	if _, ok := c.project.Files.Data[filepath.ToSlash(file)]; ok {
		return filepath.ToSlash(file)
	}
	if abs, err := filepath.Abs(file); err == nil {
		if rel, err := filepath.Rel(c.root, abs); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
	}
	return filepath.ToSlash(file)
}

// chatTests is where /save keeps talks.
const chatTests = chatui.SavedIn

// saved appends the talk as a test and says so.
func (c *chatting) saved(name string) []rehearse.Line {
	said := c.save(name)
	text := "-- kept as test " + strconv.Quote(name) + " in " + chatTests
	if said != nil {
		text = "-- not kept: " + said.Error()
	}
	return []rehearse.Line{{Kind: rehearse.LineNote, Text: text}}
}

func (c *chatting) save(name string) error {
	if name == "" {
		return errors.New("write /save NAME")
	}
	item, err := c.talk.Test(name)
	if err != nil {
		return err
	}
	path := filepath.Join(c.root, filepath.FromSlash(chatTests))
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		data = []byte("tests:\n")
	case err != nil:
		return err
	}
	whole := append([]byte(strings.TrimRight(string(data), "\n")+"\n"), item...)
	if err := c.readable(whole); err != nil {
		return err
	}
	return writeFile(path, whole)
}

// readable says what would be wrong with the file of kept talks.
func (c *chatting) readable(data []byte) error {
	files := &flows.Files{Name: c.project.Files.Name, Data: map[string][]byte{chatTests: data}, Media: c.project.Files.Media}
	for path, have := range c.project.Files.Data {
		if path != chatTests {
			files.Data[path] = have
		}
	}
	_, tests := flows.LoadTests(files, c.main.options(c.root, nil))
	for _, d := range tests.Diagnostics {
		if d.Range.File == chatTests {
			return fmt.Errorf("%s:%d: %s", chatTests, d.Range.Line, d.Message)
		}
	}
	return nil
}
