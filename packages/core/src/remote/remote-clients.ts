import { createClient, type ClientOptions, type HttpClient } from '@ict/fetch';
import { openAwsLogin, type AwsLogin } from '@ict/remote-cache';
import type { EngineOptions } from '../engine-api.js';
import { inBrief, patience } from './patience.js';

/** What remote caches on S3 know together. */
export interface BucketLogins {
  readonly aws: AwsLogin;
  close(): Promise<void>;
}

/** What remote caches, and those who give keys of them, are asked by. */
export interface RemoteClients extends BucketLogins {
  readonly client: HttpClient;
  /** Without any proxy. */
  readonly nearby: HttpClient;
}

/** Nobody is asked yet. @param options of a client, which are brief already. */
export function openRemoteClients(options: ClientOptions): RemoteClients {
  const client = createClient(options);
  const nearby = createClient({ ...options, env: {} });
  const { signal, env } = options;
  const aws = openAwsLogin({ client, nearby, ...(signal === undefined ? {} : { signal }), ...(env === undefined ? {} : { env }) });
  return {
    client,
    nearby,
    aws,
    close: async () => {
      await Promise.all([client.close(), nearby.close()]);
    },
  };
}

/** What the remote caches on S3 know in a build with these options: it looks for keys as the build does. Nobody is asked yet. */
export function openBucketLogins({
  network,
  ...asking
}: Pick<EngineOptions, 'network' | 'signal'> & Pick<ClientOptions, 'env'>): BucketLogins {
  return openRemoteClients({ ...asking, ...inBrief(patience(network)) });
}
