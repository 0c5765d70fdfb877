// Package conformance is the flow language as fixtures: one folder of testdata
// per section of the language's document, one file per rule or small group of
// rules, run through the real checker and the real engine. It promises that a
// diagnostic code, a key of the grammar or an edge that no fixture shows fails
// a test, and that nothing but what a fixture announces is found; and that nothing a step
// decides, says or keeps changes without being seen in testdata/records. It
// holds tests only.
package conformance
