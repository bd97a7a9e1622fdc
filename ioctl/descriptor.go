package ioctl

import "encoding/binary"

// SizeofDescriptorMessage is the length of a DescriptorMessage in bytes.
const SizeofDescriptorMessage = 16

// MaxDescriptors is how many descriptors one message can carry: the kernel's SCM_MAX_FD.
const MaxDescriptors = 253

// A DescriptorMessage goes before the descriptors of a received transaction when the process has
// given the broker a socket (Device.SetDescriptorSocket). It is a datagram of that socket, with the
// descriptors beside it as SCM_RIGHTS, and is there to be received before the read that carries the
// BR_TRANSACTION or BR_REPLY returns.
//
// Where there are more than MaxDescriptors, several messages come, with rising First and the same
// Total. In the transaction each descriptor's place (FDObject.FD, or an element of an FDArrayObject)
// then holds its index, 0 to Total-1 in the order of the offsets, instead of its number.
type DescriptorMessage struct {
	Buffer Address // u64: TransactionData.Buffer of the transaction
	First  uint32  // u32: index of the first descriptor in this message
	Total  uint32  // u32: how many the transaction has in all
}

// Decode reads m from the first SizeofDescriptorMessage bytes of b.
func (m *DescriptorMessage) Decode(b []byte) {
	_ = b[SizeofDescriptorMessage-1]
	m.Buffer = Address(binary.LittleEndian.Uint64(b[0:]))
	m.First = binary.LittleEndian.Uint32(b[8:])
	m.Total = binary.LittleEndian.Uint32(b[12:])
}

// Encode writes m to the first SizeofDescriptorMessage bytes of b.
func (m *DescriptorMessage) Encode(b []byte) {
	_ = b[SizeofDescriptorMessage-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(m.Buffer))
	binary.LittleEndian.PutUint32(b[8:], m.First)
	binary.LittleEndian.PutUint32(b[12:], m.Total)
}
