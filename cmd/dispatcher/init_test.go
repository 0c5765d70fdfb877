package main

import (
	"context"
	"path/filepath"
	"testing"

	"dispatcher/flows/cookbook"
)

// TestEveryRecipeFitsEveryPlatform: what init writes has no warning against the
// limits of any platform.
func TestEveryRecipeFitsEveryPlatform(t *testing.T) {
	t.Parallel()
	recipes := cookbook.Recipes()
	if len(recipes) < 12 {
		t.Fatalf("%d recipes", len(recipes))
	}
	for _, recipe := range recipes {
		name := recipe.Name
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), name)
			for _, args := range [][]string{
				{"init", dir, "--template", name},
				{"check", dir, "--warnings-as-errors", "--channel", "x", "--channel", "whatsapp", "--channel", "messenger", "--channel", "instagram", "--channel", "telegram"},
			} {
				m, out := quiet("")
				if code := m.Run(context.Background(), args); code != exitOK {
					t.Fatalf("%v: exit %d\n%s", args, code, out)
				}
			}
		})
	}
}
