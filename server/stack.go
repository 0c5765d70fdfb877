package server

import (
	"fmt"
	"runtime"
	"strings"
)

// stack names the functions and lines of the present goroutine, without a
// single argument: a panic's value and arguments may be a customer's words.
func stack() string {
	pc := make([]uintptr, 40)
	frames := runtime.CallersFrames(pc[:runtime.Callers(4, pc)])
	var b strings.Builder
	for {
		f, more := frames.Next()
		if f.Function != "" {
			file := f.File
			if i := strings.LastIndexByte(file, '/'); i >= 0 {
				file = file[i+1:]
			}
			fmt.Fprintf(&b, "%s (%s:%d)\n", f.Function, file, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}
