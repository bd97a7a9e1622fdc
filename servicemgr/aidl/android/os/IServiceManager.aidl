package android.os;

import android.os.ConnectionInfo;
import android.os.IClientCallback;
import android.os.IServiceCallback;
import android.os.Service;
import android.os.ServiceDebugInfo;

/**
 * The service manager of Android 16: names for services.
 *
 * The order of the methods is that of their codes. Earlier releases have
 * fewer of them.
 */
interface IServiceManager {
    const int DUMP_FLAG_PRIORITY_CRITICAL = 1 << 0;
    const int DUMP_FLAG_PRIORITY_HIGH = 1 << 1;
    const int DUMP_FLAG_PRIORITY_NORMAL = 1 << 2;
    const int DUMP_FLAG_PRIORITY_DEFAULT = 1 << 3;
    const int DUMP_FLAG_PRIORITY_ALL = DUMP_FLAG_PRIORITY_CRITICAL | DUMP_FLAG_PRIORITY_HIGH
            | DUMP_FLAG_PRIORITY_NORMAL | DUMP_FLAG_PRIORITY_DEFAULT;
    const int DUMP_FLAG_PROTO = 1 << 4;

    /** The service of that name; it may be started first. */
    @nullable IBinder getService(String name);

    /** The service of that name, and how to reach it; it may be started first. */
    Service getService2(String name);

    /** The service of that name, if it is there. */
    @nullable IBinder checkService(String name);

    /** The service of that name, if it is there, and how to reach it. */
    Service checkService2(String name);

    /** Gives a service a name, which it takes from whoever had it. */
    void addService(String name, @nullable IBinder service, boolean allowIsolated, int dumpPriority);

    /** The names of the services that have one of the priorities. */
    String[] listServices(int dumpPriority);

    /** From now on the callback hears when a service gets the name. */
    void registerForNotifications(String name, @nullable IServiceCallback callback);

    void unregisterForNotifications(String name, @nullable IServiceCallback callback);

    /** Does the device promise the service? */
    boolean isDeclared(String name);

    /** The instances of an interface that the device promises. */
    String[] getDeclaredInstances(String iface);

    /** The APEX that can replace the service, if any. */
    @nullable String updatableViaApex(String name);

    /** The services that an APEX can replace. */
    String[] getUpdatableNames(String apexName);

    /** Where on a network the service is, if it is on one. */
    @nullable ConnectionInfo getConnectionInfo(String name);

    /** From now on the callback hears when a service has its first client or none any more. */
    void registerClientCallback(String name, @nullable IBinder service, @nullable IClientCallback callback);

    /** Takes the name back, if the service has no clients. */
    void tryUnregisterService(String name, @nullable IBinder service);

    /** All services, for people. */
    ServiceDebugInfo[] getServiceDebugInfo();
}
