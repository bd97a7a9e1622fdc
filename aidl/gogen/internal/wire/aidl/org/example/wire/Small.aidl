package org.example.wire;

/** The tag of a fixed-size union is a byte where it stands as a field. */
@FixedSize
union Small {
    int number;
    byte[3] bytes;
}
