package org.example.wire;

import org.example.wire.Choice;
import org.example.wire.Point;

/** What Old became. */
parcelable New {
    int a;
    int b = 5;
    String c = "new";
    Point d;
    Choice e;
    int[] f = {1, 2};
    @nullable String g = "g";
}
