package parcel

// APILevel is the Android release whose layouts are used when nobody says otherwise: 34 is
// Android 14. Parcel.SetAPILevel and ReadOptions.APILevel choose another.
const APILevel = 34

// Levels at which a layout changed, oldest first. Each names what came with it; this is the only
// place in the module that knows.
const (
	levelStackTrace   = 28 // Android 9: an exception carries the size of a remote stack trace (Status.cpp)
	levelWorkSource   = 29 // Android 10: the interface token carries a work source; PENALTY_GATHER moves to bit 31
	levelVendorHeader = 30 // Android 11: the interface token carries 'SYST'
	levelStability    = 30 // Android 11: a word of stability follows each binder
	levelCategory     = 31 // Android 12 and 12L: that word is a Category, level in the top byte
	levelPlainLevel   = 33 // Android 13: it is the plain level again

	penaltyGatherOld   = 0x40 << 16
	penaltyGatherBit31 = 1 << 31
)

// penaltyGather is StrictMode's PENALTY_GATHER, which libbinder sets in every token
// (IPCThreadState.h, Parcel::writeInterfaceToken).
func penaltyGather(level int) uint32 {
	if level < levelWorkSource {
		return penaltyGatherOld
	}
	return penaltyGatherBit31
}
