package org.example.wire;

import org.example.wire.IntEnum;
import org.example.wire.Point;

parcelable Maps {
    Map<String, String> s;
    Map<String, int[]> i;
    Map<String, Point> p;
    Map<String, IntEnum[]> e;
    Map<String, IBinder> b;
}
