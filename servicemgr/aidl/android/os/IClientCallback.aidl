package android.os;

/** Hears whether a service has clients. */
oneway interface IClientCallback {
    void onClients(@nullable IBinder registered, boolean hasClients);
}
