package servicemgr

import "github.com/fusebinder/fusebinder/parcel"

// DebugInfo is android.os.ServiceDebugInfo: a registered service, for people.
type DebugInfo struct {
	Name string
	PID  int // of the process that registered it, in the server's pid namespace; it may be gone
}

// WriteToParcel writes the structured parcelable.
func (d *DebugInfo) WriteToParcel(p *parcel.Parcel) {
	e := p.BeginExtent()
	p.WriteString16(d.Name)
	p.WriteInt32(int32(d.PID))
	p.EndExtent(e)
}

// ReadFromParcel reads the structured parcelable.
func (d *DebugInfo) ReadFromParcel(p *parcel.Parcel) {
	e := p.ReadExtent()
	if p.More(e) {
		d.Name = p.ReadString16()
	}
	if p.More(e) {
		d.PID = int(p.ReadInt32())
	}
	p.LeaveExtent(e)
}

func writeDebugInfo(p *parcel.Parcel, d DebugInfo) { p.WriteParcelable(&d) }

func readDebugInfo(p *parcel.Parcel) (d DebugInfo) {
	p.ReadParcelable(&d)
	return d
}
