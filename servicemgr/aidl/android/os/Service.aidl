package android.os;

import android.os.ServiceWithMetadata;

/** A service as one finds it. */
union Service {
    ServiceWithMetadata serviceWithMetadata;
    /** Opens a connection to a service that is not on this bus. */
    @nullable IBinder accessor;
}
