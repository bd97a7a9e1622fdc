package org.example.wire;

import org.example.wire.IntEnum;
import org.example.wire.Point;

/** One of several. */
union Choice {
    int number = 3;
    String text;
    Point point;
    @nullable Point perhaps;
    int[] numbers;
    IntEnum which;
    @utf8InCpp List<String> texts;
}
