package api

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// Deps writes a rule for make or ninja: the outputs depend on all files of
// the program. Make gets an empty rule for each source besides, so that a
// removed one does not stop it.
func Deps(p *model.Program, outputs []string, ninja bool) string {
	escape := strings.NewReplacer(" ", `\ `, "#", `\#`, "$", "$$")
	var targets, sources []string
	for _, o := range outputs {
		targets = append(targets, escape.Replace(o))
	}
	for _, f := range p.Files {
		sources = append(sources, escape.Replace(f.Path))
	}
	var b strings.Builder
	b.WriteString(strings.Join(targets, " ") + " : \\\n  " + strings.Join(sources, " \\\n  ") + "\n")
	if !ninja {
		b.WriteString("\n")
		for _, s := range sources {
			b.WriteString(s + " :\n")
		}
	}
	return b.String()
}
