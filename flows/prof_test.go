package flows

import ("testing";"time";"bytes")

func TestProfKeys(t *testing.T) {
	for name, in := range hostile() {
		s := time.Now()
		p := Load(one(in), testOptions())
		d := time.Since(s)
		s = time.Now()
		var out bytes.Buffer
		p.WriteText(&out, false)
		d2 := time.Since(s)
		s = time.Now()
		p.JSON()
		if d+d2+time.Since(s) > 200*time.Millisecond { t.Log(name, d, d2, time.Since(s), len(p.Diagnostics)) }
	}
}
func BenchmarkKeys(b *testing.B) {
	in := hostile()["100k keys"]
	for b.Loop() { Load(one(in), testOptions()) }
}
