/** Numbers that the v1 API gives with its refusals; clients look at some of them. */
export const vendorCodes = {
  algorithmNameTaken: 1002,
  alreadyPublished: 1007,
  algorithmNotFound: 1009,
  notAuthorized: 2001,
  keyUnknown: 2002,
  badBuildStatus: 2012,
  badJson: 2013,
  invalidRequest: 2015,
  userNotFound: 3000,
  usernameTaken: 3003,
  emailTaken: 3004,
  emailFixed: 3008,
  organisationNotFound: 3100,
  organisationNameTaken: 3101,
  lastOwner: 3102,
  languageUnknown: 4001,
} as const;
