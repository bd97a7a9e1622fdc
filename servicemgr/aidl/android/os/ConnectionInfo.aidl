package android.os;

/** Where on a network a service is. */
parcelable ConnectionInfo {
    String ipAddress;
    int port;
}
