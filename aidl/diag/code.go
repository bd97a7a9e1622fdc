package diag

// Code names a kind of mistake.
type Code int

func (c Code) String() string { return "" }
