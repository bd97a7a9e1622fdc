package android.os;

/** A service of this bus, and what is known of it. */
parcelable ServiceWithMetadata {
    @nullable IBinder service;
    /** Does it end when nobody uses it? */
    boolean isLazyService;
}
