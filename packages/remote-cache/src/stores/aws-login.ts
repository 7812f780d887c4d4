import { findAwsKeys, type FoundKeys } from './aws-chain.js';
import { noLogin, readAwsFiles } from './aws-profile.js';
import type { AwsAsker } from './aws-keys.js';
import { DEFAULT_REGION, endpointFor, regionOf, type AwsSettings } from './aws-settings.js';
import type { AwsCredentials } from './s3-signature.js';
import type { Transport } from './store.js';

/** How long before their end keys are renewed: longer than an attempt to send a part is made again with them. */
const RENEW_SECONDS = 300;

/** How soon keys that could not be renewed, and are still good, are renewed again. */
const AGAIN_SECONDS = 30;

/** What was found last. */
interface Known {
  readonly settings: AwsSettings;
  /** When other keys are to be had, seconds since 1970. */
  readonly renewAtSeconds: number;
}

/** Now, seconds since 1970. */
export function machineClock(): number {
  return Math.floor(Date.now() / 1000);
}

/** What all stores of S3 that are opened with it know together. Nobody is asked, and nothing read yet. */
export function openAwsLogin({
  client,
  nearby = client,
  env = process.env,
  clock = machineClock,
  signal,
}: Pick<Transport, 'client' | 'nearby' | 'env' | 'clock' | 'signal'>): AwsLogin {
  return new AwsLogin({ client, nearby, env, clock, ...(signal === undefined ? {} : { signal }) });
}

/** Knows how buckets are asked, and renews keys before they end, once for all requests that wait for it. */
export class AwsLogin {
  private readonly asker: AwsAsker;
  private known: Known | undefined;
  private finding: Promise<Known> | undefined;
  private places: Promise<AwsSettings> | undefined;

  constructor(asker: AwsAsker) {
    this.asker = asker;
  }

  /**
   * How a bucket is asked now.
   *
   * @param own keys that count whatever these say; no others are looked for.
   * @throws `ICT_REMOTE_CACHE_LOGIN`; `ICT_REMOTE_CACHE_ADDRESS` for an endpoint or a region that is none; the signal's reason.
   */
  async settings(own?: AwsCredentials): Promise<AwsSettings> {
    if (own !== undefined) return { ...(await (this.places ??= this.readPlaces())), credentials: own, source: 'the address of the cache' };
    const { known } = this;
    if (known === undefined) return (await this.find()).settings;
    if (this.asker.clock() < known.renewAtSeconds) return known.settings;
    const { expiresAtSeconds = Infinity } = known.settings.credentials ?? {};
    try {
      return (await this.find()).settings;
    } catch (failure) {
      this.asker.signal?.throwIfAborted();
      const now = this.asker.clock();
      if (now >= expiresAtSeconds) throw failure;
      this.known = { ...known, renewAtSeconds: Math.min(now + AGAIN_SECONDS, expiresAtSeconds) };
      return known.settings;
    }
  }

  /**
   * Looks for other keys than those that a server refused.
   *
   * @returns whether there are some. @throws as {@link settings} does.
   */
  async renew(refused: AwsCredentials | undefined): Promise<boolean> {
    const now = this.known?.settings.credentials;
    const { credentials } = isSame(now, refused) ? (await this.find()).settings : { credentials: now };
    return !isSame(credentials, refused);
  }

  private find(): Promise<Known> {
    this.finding ??= this.search().finally(() => (this.finding = undefined));
    return this.finding;
  }

  private async readPlaces(): Promise<AwsSettings> {
    const { env } = this.asker;
    const { chosen } = await readAwsFiles(env);
    const endpoint = endpointFor('S3', env, chosen);
    return { region: regionOf(env, chosen) ?? DEFAULT_REGION, ...(endpoint === undefined ? {} : { endpoint }), missing: [] };
  }

  /** Files are read anew: somebody may have written other keys there. */
  private async search(): Promise<Known> {
    const { asker } = this;
    const files = await readAwsFiles(asker.env);
    const region = regionOf(asker.env, files.chosen);
    const endpoint = endpointFor('S3', asker.env, files.chosen);
    const stsEndpoint = endpointFor('STS', asker.env, files.chosen);
    const sts = { region: region ?? DEFAULT_REGION, ...(stsEndpoint === undefined ? {} : { endpoint: stsEndpoint }) };
    const found = await findAwsKeys({ asker, files, sts, wantsRegion: region === undefined && endpoint === undefined });
    const before = this.known?.settings;
    if (!('credentials' in found) && before?.credentials !== undefined) {
      // Who gave keys once, and is silent now, may answer again.
      const { missing } = found;
      throw noLogin(`other keys than those that end are nowhere: ${missing.join(', ')}`, 'Look at what gave them.', { missing });
    }
    const keys =
      'credentials' in found ? { credentials: found.credentials, source: found.source, missing: [] } : { missing: found.missing };
    const theirs = (found as Partial<FoundKeys>).region;
    const settings = {
      region: region ?? theirs ?? before?.region ?? DEFAULT_REGION,
      ...(endpoint === undefined ? {} : { endpoint }),
      ...keys,
    };
    this.known = { settings, renewAtSeconds: renewalOf('credentials' in found ? found.credentials : undefined, asker.clock()) };
    return this.known;
  }
}

/** Of what is good for a short while only, the last quarter is left. */
function renewalOf(credentials: AwsCredentials | undefined, nowSeconds: number): number {
  const { expiresAtSeconds = Infinity } = credentials ?? {};
  return expiresAtSeconds - Math.min(RENEW_SECONDS, Math.ceil((expiresAtSeconds - nowSeconds) / 4));
}

function isSame(one: AwsCredentials | undefined, other: AwsCredentials | undefined): boolean {
  return one?.keyId === other?.keyId && one?.secret === other?.secret && one?.sessionToken === other?.sessionToken;
}
