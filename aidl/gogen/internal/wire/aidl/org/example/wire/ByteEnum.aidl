package org.example.wire;

/** An enum is backed by byte if nothing is said. */
enum ByteEnum { A = 1, B = -2 }
