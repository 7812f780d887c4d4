import { defineErrors } from '@ict/plugin-api';

/** Every code of this package. Problems inside a file carry them too; `ICT_*_INVALID` is what is thrown to gather those. */
export const templateError = defineErrors({
  ICT_DOCUMENT_SYNTAX: 'invalid',
  ICT_DOCUMENT_DUPLICATE_KEY: 'invalid',
  ICT_DOCUMENT_UNKNOWN_KEY: 'invalid',
  ICT_DOCUMENT_MISSING_KEY: 'invalid',
  ICT_DOCUMENT_WRONG_TYPE: 'invalid',
  ICT_DOCUMENT_BAD_VALUE: 'invalid',
  ICT_TEMPLATE_INVALID: 'invalid',
  ICT_TEMPLATE_UNREADABLE: 'usage',
  ICT_TEMPLATE_EXTENDS: 'invalid',
  ICT_TEMPLATE_TARGET_UNKNOWN: 'invalid',
  ICT_TEMPLATE_DEFAULTS: 'invalid',
  ICT_TEMPLATE_NAME: 'invalid',
  ICT_TEMPLATE_DISK: 'invalid',
  ICT_TEMPLATE_FILE_MISSING: 'invalid',
  ICT_TEMPLATE_IMMUTABILITY: 'invalid',
  ICT_TEMPLATE_SECURE_BOOT: 'invalid',
  ICT_TEMPLATE_REPOSITORY: 'invalid',
  ICT_TEMPLATE_PASSWORD: 'invalid',
  ICT_TEMPLATE_PLAIN_PASSWORD: 'invalid',
  ICT_TEMPLATE_PLACEHOLDER: 'invalid',
  ICT_TEMPLATE_NO_EFFECT: 'invalid',
  ICT_TEMPLATE_VARIABLE: 'invalid',
  ICT_UNSUPPORTED_YET: 'invalid',
  ICT_CONFIG_INVALID: 'usage',
  ICT_CONFIG_UNREADABLE: 'usage',
  ICT_CONFIG_ENVIRONMENT: 'usage',
  ICT_CONFIG_HIDDEN: 'usage',
  ICT_CONFIG_INCOMPLETE: 'usage',
  ICT_CONFIG_KEY: 'usage',
  ICT_CONFIG_NO_EFFECT: 'usage',
  ICT_DISTRO_INVALID: 'invalid',
});

/** Code of a problem or error of this package. */
export type TemplateCode = keyof typeof templateError.codes;
