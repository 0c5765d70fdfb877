package trace

import (
	"strings"
	"testing"
)

const honest = `100 read(9<socket:[1]>, "POST /channels/shop/webhook HTTP/1.1\r\nHost: 127"..., 4096) = 612
101 pwrite64(7</d/dispatcher.db-wal>, "\0\1"..., 2048, 32) = 2048
101 fsync(7</d/dispatcher.db-wal> <unfinished ...>
100 read(11<socket:[2]>,  <unfinished ...>
101 <... fsync resumed>)            = 0
100 <... read resumed>"POST /channels/shop/webhook HTTP/1.1\r\n"..., 4096) = 600
100 write(9<socket:[1]>, "HTTP/1.1 200 OK\r\nContent-Type: app"..., 300) = 300
101 pwrite64(7</d/dispatcher.db-wal>, "\0\1"..., 2048, 2080) = 2048
101 fdatasync(7</d/dispatcher.db-wal>) = 0
102 write(11<socket:[2]>, "HTTP/1.1 200 OK\r\n"..., 300) = 300
102 write(12<socket:[3]>, "HTTP/1.1 200 OK\r\n"..., 300) = 300
`

func judge(t *testing.T, text string) Verdict {
	t.Helper()
	calls, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return SyncBeforeAck(calls, "/channels/")
}

func TestHonest(t *testing.T) {
	t.Parallel()
	if v := judge(t, honest); v.Acks != 2 || v.Syncs != 2 || len(v.Violations) != 0 {
		t.Errorf("%+v", v)
	}
}

func TestPlanted(t *testing.T) {
	t.Parallel()
	cut := func(old, now string) string {
		if !strings.Contains(honest, old) {
			t.Fatalf("no %q", old)
		}
		return strings.Replace(honest, old, now, 1)
	}
	lines := strings.SplitAfter(honest, "\n")
	for name, text := range map[string]string{
		"no sync":                  cut("101 fdatasync(7</d/dispatcher.db-wal>) = 0\n", ""),
		"a sync that failed":       cut("fdatasync(7</d/dispatcher.db-wal>) = 0", "fdatasync(7</d/dispatcher.db-wal>) = -1 EIO (Input/output error)"),
		"a sync of something else": cut("fdatasync(7</d/dispatcher.db-wal>)", "fdatasync(7</d/dispatcher.db>)"),
		"no write":                 cut(lines[7], ""),
		"answer before the sync":   strings.Join([]string{lines[0], lines[1], lines[2], lines[6], lines[4], lines[3], lines[5], lines[7], lines[8], lines[9]}, ""),
		"sync before the write":    strings.Join([]string{lines[0], lines[1], lines[2], lines[3], lines[4], lines[5], lines[6], lines[8], lines[7], lines[9]}, ""),
	} {
		if v := judge(t, text); len(v.Violations) != 1 {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
