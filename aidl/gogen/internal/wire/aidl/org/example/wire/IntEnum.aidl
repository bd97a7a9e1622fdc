package org.example.wire;

@Backing(type="int")
enum IntEnum { A = 1, B = 0x7fffffff, ALSO_A = A }
