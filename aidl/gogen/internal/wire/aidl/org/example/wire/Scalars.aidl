package org.example.wire;

import org.example.wire.ByteEnum;
import org.example.wire.IntEnum;
import org.example.wire.LongEnum;

parcelable Scalars {
    const int ANSWER = 42;
    const String NAME = "scalars";

    boolean z = true;
    byte b = -1;
    char c = 'c';
    int i = ANSWER;
    long j = 1L << 40;
    float f = 1.5f;
    double d = -2.5;
    String s = "s";
    @utf8InCpp String u = "u";
    ByteEnum be = ByteEnum.B;
    IntEnum ie = IntEnum.B;
    LongEnum le = LongEnum.B;
}
