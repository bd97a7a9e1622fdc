package org.example.wire;

import org.example.wire.ByteEnum;
import org.example.wire.IntEnum;
import org.example.wire.Point;

parcelable Fixed {
    int[2][3] ii = {{1, 2, 3}, {4, 5, 6}};
    byte[3] b;
    boolean[2] z;
    char[2] c;
    String[2] s = {"a", "b"};
    ByteEnum[2] be;
    IntEnum[2] ie;
    Point[2] p;
    @nullable int[2] ni;
    @nullable Point[2][2] np;
}
