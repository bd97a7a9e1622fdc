package org.example.wire;

parcelable Extension {
    int before;
    ParcelableHolder held;
    int after;
}
