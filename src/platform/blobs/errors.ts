import { defineErrors } from '../../kernel/errors.ts';

export const blobErrors = defineErrors('BLOBS', { NOT_FOUND: 'not-found', BAD_KEY: 'invalid' });
