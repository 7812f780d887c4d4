export { createFetcher, type AuthorizedRequest, type FetcherOptions, type MirroredFetcher } from './fetcher.js';
export { createClient, type ClientAnswer, type ClientOptions, type ClientRequest, type FileRange, type HttpClient } from './client.js';
export { DEFAULT_TIMEOUTS, type Timeouts } from './exchange.js';
export { DEFAULT_RETRY, type RetryPolicy, type Timer } from './retry.js';
export { redactUrl } from './redact-url.js';
export { chooseMirrors, type MirrorCandidate, type MirrorChoice, type MirrorMap, type MirrorSource } from './mirrors.js';
export { type MirrorRoutes } from './mirror-routes.js';
export { readHostSources } from './host-sources.js';
export { fetchError } from './errors.js';
