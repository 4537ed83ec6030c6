import { DeleteObjectsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

const keysAtOnce = 1000;

/** Names and removal of what lies under a prefix, over all pages. */
export const createS3Folders = (client: S3Client, bucket: string) => {
  const pages = async function* (prefix: string, delimiter?: string) {
    let token: string | undefined;
    do {
      const page = await client.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          ...(delimiter === undefined ? {} : { Delimiter: delimiter }),
          ...(token === undefined ? {} : { ContinuationToken: token }),
          MaxKeys: keysAtOnce,
        }),
      );
      yield page;
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  };
  return {
    list: async (prefix: string): Promise<readonly string[]> => {
      const names = new Set<string>();
      for await (const page of pages(prefix, '/')) {
        for (const { Key: key = '' } of page.Contents ?? []) names.add(key.slice(prefix.length));
        for (const { Prefix: folder = '' } of page.CommonPrefixes ?? []) names.add(folder.slice(prefix.length, -1));
      }
      names.delete('');
      return [...names].sort();
    },
    remove: async (prefix: string): Promise<void> => {
      for await (const page of pages(prefix)) {
        const keys = (page.Contents ?? []).map(({ Key }) => ({ Key }));
        if (keys.length === 0) continue;
        const { Errors: [first] = [] } = await client.send(
          new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys, Quiet: true } }),
        );
        if (first !== undefined) throw new Error(`${first.Key ?? ''}: ${first.Code ?? ''} ${first.Message ?? ''}`);
      }
    },
  };
};
