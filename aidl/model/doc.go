package model

// Doc is the documentation before a definition, a member or an argument.
type Doc struct {
	Text string // of the last /** */ comment, without stars and block tags' edge space; "" if none
	Hide bool   // @hide stands in it
	// Deprecated tells that @deprecated stands in it; Note is the rest of
	// that line.
	Deprecated bool
	Note       string
}
