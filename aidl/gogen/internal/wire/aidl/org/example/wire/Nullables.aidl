package org.example.wire;

import org.example.wire.ByteEnum;
import org.example.wire.Choice;
import org.example.wire.Point;

parcelable Nullables {
    @nullable String s;
    @nullable Point p;
    @nullable Choice u;
    @nullable int[] i;
    @nullable String[] ss;
    @nullable ByteEnum[] be;
    @nullable Point[] ps;
    @nullable List<String> ls;
    @nullable IBinder binder;
    @nullable ParcelFileDescriptor file;
}
