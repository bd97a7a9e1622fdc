package org.example.wire;

/** What a call usually carries. */
parcelable Five {
    int a;
    long b;
    String c;
    boolean d;
    double e;
}
