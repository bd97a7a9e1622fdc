package org.example.wire;

/** It recurses on the heap. */
parcelable Tree {
    int value;
    @nullable(heap=true) Tree left;
    @nullable(heap=true) Tree right;
}
