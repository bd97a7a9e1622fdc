package org.example.wire;

@Backing(type="long")
enum LongEnum { A = 1, B = 1L << 40 }
