// Package cookbook holds small complete projects for the matters that brands
// are written to about most: where an order is, a return, a locked account.
// Each is a folder that checks without a finding, needs no secret and no
// reference, serves at once, and whose transcripts go through every
// transition. `dispatcher init --template NAME` copies one.
package cookbook

import (
	"embed"
	"io/fs"
)

// Named patterns are embedded, so that a data folder beside a recipe never is.
//
//go:embed */dispatcher.yaml */flows/*.yaml */flows/tests/*.yaml */flows/locales/*.yaml
var projects embed.FS

// Recipe is one project of the cookbook.
type Recipe struct {
	Name string // name of its folder, and of the template
	What string // what the customer gets, in one line of at most 60 characters
}

// Recipes are all projects of the cookbook, in the order a shop meets them.
func Recipes() []Recipe {
	return []Recipe{
		{"order-status", "where is my order: looks it up, in English and French"},
		{"return", "finds the order, books the return, hands over the label"},
		{"damaged-item", "photo, story and wish; whoever was hurt goes first"},
		{"account-locked", "proves who is writing, opens the lock, asks no password"},
		{"address-change", "one order or the account: a page, proof, read back first"},
		{"cancel", "cancels what has not left yet, after a clear yes"},
		{"opening-hours", "two shops and the chat, holidays, in four languages"},
		{"complaint", "hears people out, weighs it; public posts go private"},
		{"praise", "thanks, finds out who earned it, asks before sharing"},
		{"outage-notice", "what is broken where you live; looks again every hour"},
		{"appointment", "offers free times, books one, cancels one"},
		{"csat", "asks how it went after a person has helped"},
	}
}

// All holds the folders of all recipes.
func All() fs.FS { return projects }

// Project is the folder of one recipe: dispatcher.yaml, the flows, their tests
// and translations. It fails with fs.ErrNotExist where there is no such recipe.
func Project(name string) (fs.FS, error) {
	if _, err := fs.Stat(projects, name+"/dispatcher.yaml"); err != nil {
		return nil, err
	}
	return fs.Sub(projects, name)
}
