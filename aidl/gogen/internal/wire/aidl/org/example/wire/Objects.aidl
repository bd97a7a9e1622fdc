package org.example.wire;

import org.example.wire.IWire;

/** Not for eyes: go-cmp compares it with Equal. */
parcelable Objects {
    IBinder binder;
    IBinder[] binders;
    IWire wire;
    @nullable IWire perhaps;
    List<IWire> wires;
    ParcelFileDescriptor file;
    ParcelFileDescriptor[] files;
}
