// What the pages say in English. It is the model of the other languages: a key missing there is a type error.

export const en = {
  opens_in_new_tab: '(opens in a new tab)',

  login_title: 'Sign in',
  login_to_client: 'to continue to {client}',
  login_username: 'Username',
  login_password: 'Password',
  login_remember: 'Keep me signed in on this device',
  login_submit: 'Sign in',
  login_or: 'or',
  login_with_provider: 'Sign in with {provider}',
  login_remember_choice: 'Remember my choice',
  login_other_ways: 'Other ways to sign in',
  login_error_prefix: 'Error: {title}',
  problem_wrong_credentials: 'The username or the password is not correct.',
  problem_locked: 'Too many attempts. Wait a few minutes, then try again.',
  problem_busy: 'Many people are signing in right now. Try again in a moment.',
  problem_no_way_in: 'No way to sign in is switched on at the moment. Ask your administrator.',
  problem_not_fresh:
    'The application asks for a new or stronger sign-in than the one you just did. Use your username and password.',

  client_policy: 'Privacy policy',
  client_terms: 'Terms of use',

  consent_title: 'Allow access?',
  consent_intro: '{client} asks for access to your account.',
  consent_signed_in_as: 'You are signed in as {user}.',
  consent_list: 'What {client} will get',
  consent_claims: 'Details from your account',
  consent_new: 'New',
  consent_trust: 'Allow this only if you trust {client}.',
  consent_allow: 'Allow',
  consent_deny: 'Deny',

  select_title: 'Continue with this account?',
  select_intro: 'You are already signed in.',
  select_client: '{client} asks which account to use.',
  select_continue: 'Continue',
  select_other: 'Use another account',

  error_title: 'Something is not right',
  error_word: 'Error',
  error_request: 'The request cannot be completed. This is usually a setting of the application you came from.',
  error_expired: 'This sign-in took too long. Begin again: nothing was lost.',
  error_elsewhere: 'This sign-in cannot be continued here. Go back to the application and start again.',
  error_not_found: 'This page does not exist.',
  error_outage: 'A part of the service does not answer at the moment. Try again shortly.',
  error_code: 'Error code',
  error_description: 'What happened',
  error_request_id: 'Request ID',
  error_help: 'Does it keep happening? Give this to your administrator:',
  action_try_again: 'Try again',
  action_back: 'Go back',
  action_home: 'To the start page',

  external_title: 'Signing in with {provider} did not work',
  external_denied: '{provider} did not let you in, or you cancelled.',
  external_no_account:
    '{provider} knows you, but you have no account here. Ask your administrator for one, or use another account.',
  external_account_disabled: 'Your account may not be used to sign in here. Ask your administrator.',
  external_provisioning:
    '{provider} knows you, but your account here could not be brought up to date. Your administrator can see why.',
  external_unreachable: '{provider} does not answer at the moment. Try again shortly.',
  external_invalid_answer:
    'The answer of {provider} could not be accepted. Try again; if that does not help, your administrator can see why.',
  external_too_weak:
    'The application asks for a newer or stronger sign-in than {provider} gave. Try again, and sign in there anew.',
  external_used: 'This sign-in was already used, or was begun elsewhere. Begin again: nothing was lost.',

  form_post_title: 'One moment',
  form_post_intro: 'You are being returned to the application.',
  form_post_submit: 'Continue',

  account_title: 'You are signed in',
  account_username: 'Username',
  account_email: 'E-mail address',
  account_sign_out: 'Sign out',
  account_provider: 'Signed in by',
  account_sign_out_here: 'Sign out only here',
  account_sign_out_upstream: 'Sign out at {provider} too',

  signed_out_title: 'You are signed out',
  signed_out_intro: 'You can close this window.',
  signed_out_sign_in: 'Sign in again',
  signed_out_at: 'Sign out at {provider}',
  signed_out_upstream: 'You may still be signed in at {provider}.',

  home_intro: 'One account for all your applications.',
  home_sign_in: 'Sign in',
  home_developers: 'For developers',
  home_issuer: 'Issuer',
  home_discovery: 'Discovery document',
  home_playground: 'Playground',

  scopes: {
    openid: { title: 'Recognise you', description: 'An identifier of your account, to know you the next time.' },
    profile: { title: 'Your profile', description: 'Your name and other basic details.' },
    email: { title: 'Your e-mail address', description: 'The address, and whether it was verified.' },
    address: { title: 'Your postal address', description: 'The address in your account.' },
    phone: { title: 'Your phone number', description: 'The number, and whether it was verified.' },
    offline_access: {
      title: 'Stay connected',
      description: 'Keep this access while you are not using the application.',
    },
    full_api_access: {
      title: 'Work on your behalf',
      description: 'See and change through the API whatever you may see and change yourself.',
    },
  },

  claims: {
    sub: 'identifier',
    name: 'full name',
    given_name: 'first name',
    family_name: 'last name',
    middle_name: 'middle name',
    nickname: 'nickname',
    preferred_username: 'username',
    profile: 'profile page',
    picture: 'picture',
    website: 'website',
    gender: 'gender',
    birthdate: 'date of birth',
    zoneinfo: 'time zone',
    locale: 'language',
    updated_at: 'time of last change',
    email: 'e-mail address',
    email_verified: 'whether the e-mail address was verified',
    address: 'postal address',
    phone_number: 'phone number',
    phone_number_verified: 'whether the phone number was verified',
  },
}

export type Texts = typeof en
