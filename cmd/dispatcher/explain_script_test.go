package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// newest VAR DATA: sets VAR to the id of the newest conversation of the
// service that runs on a data folder.
func scriptNewest(ts *testscript.TestScript, neg bool, args []string) {
	client, ok := dialLocal(ts.MkAbs(args[1]))
	if !ok {
		ts.Fatalf("no service answers on %s", args[1])
	}
	res, err := client.Get("http://localhost/api/v1/conversations?limit=1")
	ts.Check(err)
	defer res.Body.Close()
	var list struct{ Items []struct{ ID string } }
	ts.Check(json.NewDecoder(res.Body).Decode(&list))
	if res.StatusCode != http.StatusOK || len(list.Items) == 0 {
		ts.Fatalf("%d: no conversation", res.StatusCode)
	}
	ts.Setenv(args[0], list.Items[0].ID)
	ts.Setenv(args[0]+"_BEGINNING", strings.ReplaceAll(list.Items[0].ID[:20], "-", ""))
}

// local DATA PATH: prints what the API of the service on a data folder answers.
func scriptLocal(ts *testscript.TestScript, neg bool, args []string) {
	client, ok := dialLocal(ts.MkAbs(args[0]))
	if !ok {
		ts.Fatalf("no service answers on %s", args[0])
	}
	res, err := client.Get("http://localhost/api/v1" + args[1])
	ts.Check(err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(body)
	ts.Check(err)
}
