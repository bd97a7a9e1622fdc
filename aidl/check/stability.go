package check

import (
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// checkReached: what a stable type uses must be stable too.
func (c *checker) checkReached() {
	for _, u := range c.uses {
		if f := c.models[u.in.Head().File]; !f.Requested || f.source.Broken {
			continue
		}
		c.checkType(u.typ, u.syntax)
		c.checkStability(u)
		c.checkBackends(u)
	}
}

func (c *checker) checkStability(u use) {
	if !c.opts.Structured && !c.opts.VINTF && !u.in.Head().VINTF {
		return
	}
	var check func(t *model.Type)
	check = func(t *model.Type) {
		for _, a := range t.Base().Args {
			check(a)
		}
		d := t.Base().Definition
		if d == nil {
			return
		}
		p, ok := d.(*model.Parcelable)
		unstructured := ok && !p.Structured
		switch {
		case unstructured && c.stable(p):
		case unstructured:
			c.errorf(u.syntax.Name, diag.Unstructured, "%s is a parcelable that another language defines; a stable type cannot use it", p.QualifiedName)
		case (u.in.Head().VINTF || c.opts.VINTF) && !d.Head().VINTF:
			c.errorf(u.syntax.Name, diag.Stability, "%s lacks @VintfStability, but '%s', which has it, uses it", d.Head().QualifiedName, u.in.Head().Name)
		}
	}
	check(u.typ)
}
