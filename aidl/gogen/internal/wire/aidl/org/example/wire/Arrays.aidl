package org.example.wire;

import org.example.wire.ByteEnum;
import org.example.wire.Choice;
import org.example.wire.IntEnum;
import org.example.wire.LongEnum;
import org.example.wire.Point;
import org.example.wire.Small;

parcelable Arrays {
    boolean[] z;
    byte[] b;
    char[] c;
    int[] i;
    long[] j;
    float[] f;
    double[] d;
    String[] s;
    ByteEnum[] be;
    IntEnum[] ie;
    LongEnum[] le;
    Point[] p;
    Choice[] u;
    Small.Tag[] t;
    List<String> ls;
    List<Point> lp;
}
