package org.example.wire;

/** Two numbers, one of them with a default. */
parcelable Point {
    int x;
    int y = 7;
}
