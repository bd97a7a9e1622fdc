package android.os;

/** A service, for people. */
parcelable ServiceDebugInfo {
    String name;
    /** Of the process that gave it the name. */
    int debugPid;
}
