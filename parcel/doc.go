// Package parcel turns values into the bytes of a Binder transaction and back, as Android lays
// them out.
package parcel
