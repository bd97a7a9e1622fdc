package gogen

import (
	"go/token"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// place is a Go package.
type place struct {
	pkg        *model.Package
	name       string // of the Go package
	dir        string // below the output folder; "." is that itself
	importPath string
	home       *place // where the types are, if not here: of packages in a circle
}

// layOut finds a Go package for every AIDL package.
func (g *generator) layOut() {
	for _, pkg := range g.prog.Packages {
		p := &place{pkg: pkg, dir: "."}
		if pkg.Name != "" {
			elements := strings.Split(pkg.Name, ".")
			for i, e := range elements {
				elements[i] = pathElement(e)
			}
			p.dir = path.Join(elements...)
		}
		p.importPath = path.Join(g.opts.Prefix, p.dir)
		if mapped := g.opts.Map[pkg.Name]; mapped != "" {
			p.importPath = mapped
		}
		p.name = packageName(path.Base(p.importPath))
		g.places[pkg.Name] = p
	}
	for _, circle := range g.circles() {
		home := g.places[circle[0].Name]
		for _, pkg := range circle[1:] {
			g.places[pkg.Name].home = home
		}
	}
}

// homeOf is the Go package that has the package's types.
func (g *generator) homeOf(pkg *model.Package) *place {
	p := g.places[pkg.Name]
	if p.home != nil {
		return p.home
	}
	return p
}

// pathElement keeps the go command from seeing more in a folder than a name.
func pathElement(e string) string {
	switch {
	case e == "internal" || e == "vendor" || e == "testdata":
		return e + "_"
	case strings.HasPrefix(e, "_") || strings.HasPrefix(e, "."):
		return "x" + e
	}
	return e
}

// packageName is the Go package name for the last element of an import path.
func packageName(base string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
			return r
		}
		return -1
	}, base)
	name = strings.ToLower(name)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "aidl" + name
	}
	if token.IsKeyword(name) || name == "main" || name == "_" {
		name += "_"
	}
	return name
}

// circles are the sets of packages that import each other, each by name.
func (g *generator) circles() [][]*model.Package {
	// Tarjan's strongly connected components.
	var (
		index, low = map[*model.Package]int{}, map[*model.Package]int{}
		stack      []*model.Package
		found      [][]*model.Package
		visit      func(*model.Package)
	)
	uses := g.packageUses()
	visit = func(p *model.Package) {
		index[p] = len(index) + 1
		low[p] = index[p]
		stack = append(stack, p)
		for _, q := range uses[p] {
			if index[q] == 0 {
				visit(q)
				low[p] = min(low[p], low[q])
			} else if slices.Contains(stack, q) {
				low[p] = min(low[p], index[q])
			}
		}
		if low[p] != index[p] {
			return
		}
		at := slices.Index(stack, p)
		circle := slices.Clone(stack[at:])
		stack = stack[:at]
		if len(circle) > 1 {
			sort.Slice(circle, func(i, j int) bool { return circle[i].Name < circle[j].Name })
			found = append(found, circle)
		}
	}
	for _, p := range g.prog.Packages {
		if index[p] == 0 {
			visit(p)
		}
	}
	return found
}

// packageUses are the packages whose types each package's own types name.
func (g *generator) packageUses() map[*model.Package][]*model.Package {
	uses := map[*model.Package][]*model.Package{}
	for _, pkg := range g.prog.Packages {
		if !g.generates(pkg) {
			continue
		}
		seen := map[*model.Package]bool{pkg: true}
		var add func(t *model.Type)
		add = func(t *model.Type) {
			if t == nil {
				return
			}
			if t.Definition != nil {
				if q := t.Definition.Head().Package; q != nil && !seen[q] && g.generates(q) && g.opts.Map[t.Definition.Head().QualifiedName] == "" {
					seen[q] = true
					uses[pkg] = append(uses[pkg], q)
				}
			}
			add(t.Elem)
			for _, a := range t.Args {
				add(a)
			}
		}
		for _, d := range pkg.Definitions {
			eachType(d, add)
		}
		sort.Slice(uses[pkg], func(i, j int) bool { return uses[pkg][i].Name < uses[pkg][j].Name })
	}
	return uses
}

// eachType calls f for every type that d and what is nested in it use.
func eachType(d model.Definition, f func(*model.Type)) {
	for _, n := range d.Head().Nested {
		eachType(n, f)
	}
	for _, field := range model.FieldsOf(d) {
		f(field.Type)
		if field.Default != nil && field.Default.Enumerator != nil && field.Default.Type != nil {
			f(field.Default.Type)
		}
	}
	if i, ok := d.(*model.Interface); ok {
		for _, m := range i.Methods {
			f(m.Return)
			for _, a := range m.Args {
				f(a.Type)
			}
		}
	}
}
