package parcel

// SetOwner tells p what it is written for: package binder sets the bus, so that generated code can
// export the objects of this program that it writes. Release forgets it.
func (p *Parcel) SetOwner(owner any) { p.owner = owner }

// Owner is what SetOwner set, or nil.
func (p *Parcel) Owner() any { return p.owner }
