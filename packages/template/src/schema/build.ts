import { flag, withDefault } from './keyword.js';

/** Schema of `build`. */
export const buildSchema = {
  type: 'object',
  description: 'How this template is built; has no effect on the image. Merged key by key.',
  examples: [{ cache: { use_image_cache: false } }],
  properties: {
    cache: {
      type: 'object',
      description: 'Which caches a build uses.',
      examples: [{ use_package_cache: true, use_image_cache: true }],
      properties: {
        use_package_cache: withDefault(true, flag('Takes packages from the cache, and keeps them there.', false)),
        use_image_cache: withDefault(true, flag('Takes the finished image from the cache, and keeps it there.', false)),
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
} as const;
