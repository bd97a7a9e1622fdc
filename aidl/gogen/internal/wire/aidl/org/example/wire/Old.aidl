package org.example.wire;

parcelable Old {
    int a;
}
