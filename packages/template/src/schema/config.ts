import type { FromSchema } from 'json-schema-to-ts';
import { flag, formatted, integer, oneOf, text, texts, withDefault } from './keyword.js';

/** JSON Schema (2020-12) of the configuration file, `image-composer-tool.yml`. */
export const configSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:ict:schema:config:1',
  title: 'ICT configuration',
  description:
    'Settings of one machine, user or project. Relative paths count from the directory of this file. A key without a value counts as absent.',
  type: 'object',
  properties: {
    workers: withDefault(16, integer(1, 64, 'How many things run at once: downloads, checks.', 8)),
    cache_dir: text(
      'Where packages, layers and images are kept. Absent: /var/cache/image-composer-tool for root, else image-composer-tool in $XDG_CACHE_HOME or ~/.cache.',
      '/var/cache/image-composer-tool',
    ),
    read_only_cache_dirs: withDefault(
      [],
      texts('Other caches, asked in this order for what cache_dir does not have, and never written.', ['/mnt/ict-cache']),
    ),
    work_dir: withDefault('/var/tmp/image-composer-tool', text('Where builds happen and images are delivered.', '/srv/images/work')),
    temp_dir: text('Where files of a running build go. Absent: .ict/tmp inside cache_dir.', '/var/cache/image-composer-tool/.ict/tmp'),
    config_dir: text(
      'Where the Go tool has its definitions. Accepted for its files; has no effect here: definitions come from plugins and `distros`.',
      './config',
    ),
    mirrors: withDefault(
      {},
      {
        type: 'object',
        description: 'Mirrors, by the address of the archive that they stand in for.',
        examples: [{ 'http://ftp.debian.org/debian': 'http://mirror.example.com/debian' }],
        additionalProperties: {
          type: ['string', 'array'],
          description: 'Address of the mirror, or of several in the order to try.',
          examples: ['http://mirror.example.com/debian', ['http://near.example.com/debian', 'http://far.example.com/debian']],
          format: 'uri',
          items: formatted('uri', 'Address of one of several mirrors.', 'http://near.example.com/debian'),
          minItems: 1,
        },
      },
    ),
    network: {
      type: 'object',
      description: 'How patient downloads are.',
      examples: [{ retries: 10, timeout_ms: 120_000 }],
      properties: {
        retries: withDefault(4, integer(0, 100, 'How often a download that failed is tried again.', 10)),
        timeout_ms: integer(
          100,
          3_600_000,
          'Longest wait for a connection, for an answer, and between two pieces of it, in milliseconds. Absent: as `ict config show` says.',
          120_000,
        ),
      },
      additionalProperties: false,
    },
    remote_cache: {
      type: 'object',
      description: 'Servers with results of steps that other machines made: only what a trusted key signed is used.',
      examples: [{ urls: ['https://cache.example.com/ict'], trusted_keys: ['./ci.pub'] }],
      properties: {
        urls: withDefault([], {
          type: 'array',
          description: 'Base addresses of the servers, asked in this order for what no local cache has; may hold user and password.',
          examples: [['https://cache.example.com/ict']],
          items: { type: 'string', format: 'cache-base' },
        }),
        trusted_keys: withDefault([], texts('Files of public keys (PEM) whose results are used.', ['./ci.pub'])),
        upload_url: formatted('cache-base', 'Base address that new results are uploaded to.', 'https://me:secret@cache.example.com/ict'),
        signing_key: text('File of the private key (PEM) that signs what is uploaded.', '/etc/ict/ci.key'),
      },
      additionalProperties: false,
    },
    plugins: withDefault(
      [],
      texts('Plugins beside the built-in ones: package names, or paths of packages.', ['@acme/ict-plugin', './my-plugin']),
    ),
    distros: withDefault([], texts('Distribution definitions beside those of plugins: files.', ['./acme-linux.yml'])),
    storage: {
      type: 'object',
      description: 'What the caches keep.',
      examples: [{ package_cache: { max_size_gb: 20 }, image_cache: { max_count: 5 } }],
      properties: {
        package_cache: {
          type: 'object',
          description: 'Downloaded packages.',
          examples: [{ enabled: true, max_size_gb: 20, retention_days: 30 }],
          properties: {
            enabled: withDefault(true, flag('Whether packages of earlier builds are used.', false)),
            max_size_gb: withDefault(10, integer(1, 1_000_000, 'Most room that packages may take, in GiB.', 20)),
            retention_days: withDefault(30, integer(1, 36_500, 'How long a package that no build uses is kept, in days.', 90)),
            twins: withDefault(
              true,
              flag('Whether packages that are unpacked a second time are kept uncompressed as well, as far as max_size_gb allows.', false),
            ),
          },
          additionalProperties: false,
        },
        image_cache: {
          type: 'object',
          description: 'Finished images.',
          examples: [{ enabled: true, max_count: 5 }],
          properties: {
            enabled: withDefault(true, flag('Whether images of earlier builds are used.', false)),
            max_count: withDefault(5, integer(1, 100_000, 'How many images are kept.', 20)),
          },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    logging: {
      type: 'object',
      description: 'What is logged, and where to.',
      examples: [{ level: 'info', file: 'image-composer-tool.log' }],
      properties: {
        level: withDefault('info', oneOf(['debug', 'info', 'warn', 'error'], 'Least important level that is logged.', 'warn')),
        file: text('File that the log is also written to.', 'image-composer-tool.log'),
      },
      additionalProperties: false,
    },
    ai: {
      type: 'object',
      description: 'Accepted for compatibility; has no effect.',
      examples: [{ provider: 'ollama' }],
      additionalProperties: true,
    },
  },
  additionalProperties: false,
} as const;

/** The configuration file as written, after schema validation. */
export type ConfigFile = FromSchema<typeof configSchema, { keepDefaultedPropertiesOptional: true }>;
