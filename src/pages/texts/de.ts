// What the pages say in German.
import type { Texts } from './en.ts'

export const de: Texts = {
  opens_in_new_tab: '(öffnet in einem neuen Tab)',

  login_title: 'Anmelden',
  login_to_client: 'um mit {client} fortzufahren',
  login_username: 'Benutzername',
  login_password: 'Passwort',
  login_remember: 'Auf diesem Gerät angemeldet bleiben',
  login_submit: 'Anmelden',
  login_or: 'oder',
  login_with_provider: 'Anmelden mit {provider}',
  login_remember_choice: 'Meine Auswahl merken',
  login_other_ways: 'Andere Anmeldemöglichkeiten',
  login_error_prefix: 'Fehler: {title}',
  problem_wrong_credentials: 'Der Benutzername oder das Passwort stimmt nicht.',
  problem_locked: 'Zu viele Versuche. Warten Sie einige Minuten und versuchen Sie es dann erneut.',
  problem_busy: 'Gerade melden sich viele Personen an. Versuchen Sie es gleich noch einmal.',
  problem_no_way_in: 'Zurzeit ist keine Anmeldemöglichkeit eingeschaltet. Wenden Sie sich an Ihre Administration.',
  problem_not_fresh:
    'Die Anwendung verlangt eine neuere oder stärkere Anmeldung als die soeben. Verwenden Sie Benutzername und Passwort.',

  client_policy: 'Datenschutz',
  client_terms: 'Nutzungsbedingungen',

  consent_title: 'Zugriff erlauben?',
  consent_intro: '{client} bittet um Zugriff auf Ihr Konto.',
  consent_signed_in_as: 'Sie sind angemeldet als {user}.',
  consent_list: 'Was {client} erhält',
  consent_claims: 'Angaben aus Ihrem Konto',
  consent_new: 'Neu',
  consent_trust: 'Erlauben Sie dies nur, wenn Sie {client} vertrauen.',
  consent_allow: 'Erlauben',
  consent_deny: 'Ablehnen',

  select_title: 'Mit diesem Konto fortfahren?',
  select_intro: 'Sie sind bereits angemeldet.',
  select_client: '{client} fragt, welches Konto Sie verwenden möchten.',
  select_continue: 'Fortfahren',
  select_other: 'Anderes Konto verwenden',

  error_title: 'Etwas stimmt nicht',
  error_word: 'Fehler',
  error_request:
    'Die Anfrage kann nicht abgeschlossen werden. Meist liegt das an einer Einstellung der Anwendung, von der Sie kommen.',
  error_expired: 'Diese Anmeldung hat zu lange gedauert. Beginnen Sie neu: Es ist nichts verloren gegangen.',
  error_elsewhere:
    'Diese Anmeldung kann hier nicht fortgesetzt werden. Kehren Sie zur Anwendung zurück und beginnen Sie neu.',
  error_not_found: 'Diese Seite gibt es nicht.',
  error_outage: 'Ein Teil des Dienstes antwortet gerade nicht. Versuchen Sie es in Kürze erneut.',
  error_code: 'Fehlercode',
  error_description: 'Was geschehen ist',
  error_request_id: 'Anfragenummer',
  error_help: 'Passiert das immer wieder? Geben Sie dies an Ihre Administration weiter:',
  action_try_again: 'Erneut versuchen',
  action_back: 'Zurück',
  action_home: 'Zur Startseite',

  external_title: 'Die Anmeldung mit {provider} hat nicht geklappt',
  external_denied: '{provider} hat Sie nicht eingelassen, oder Sie haben abgebrochen.',
  external_no_account:
    '{provider} kennt Sie, aber Sie haben hier kein Konto. Bitten Sie Ihre Administration darum oder verwenden Sie ein anderes Konto.',
  external_account_disabled:
    'Ihr Konto darf hier nicht zur Anmeldung verwendet werden. Wenden Sie sich an Ihre Administration.',
  external_provisioning:
    '{provider} kennt Sie, aber Ihr Konto hier konnte nicht aktualisiert werden. Ihre Administration kann sehen, warum.',
  external_unreachable: '{provider} antwortet zurzeit nicht. Versuchen Sie es in Kürze erneut.',
  external_invalid_answer:
    'Die Antwort von {provider} konnte nicht angenommen werden. Versuchen Sie es erneut; hilft das nicht, kann Ihre Administration sehen, warum.',
  external_too_weak:
    'Die Anwendung verlangt eine neuere oder stärkere Anmeldung, als {provider} sie gab. Versuchen Sie es erneut und melden Sie sich dort neu an.',
  external_used:
    'Diese Anmeldung wurde schon verwendet oder anderswo begonnen. Beginnen Sie neu: Es ist nichts verloren gegangen.',

  form_post_title: 'Einen Moment',
  form_post_intro: 'Sie kehren zur Anwendung zurück.',
  form_post_submit: 'Weiter',

  account_title: 'Sie sind angemeldet',
  account_username: 'Benutzername',
  account_email: 'E-Mail-Adresse',
  account_sign_out: 'Abmelden',
  account_provider: 'Angemeldet über',
  account_sign_out_here: 'Nur hier abmelden',
  account_sign_out_upstream: 'Auch bei {provider} abmelden',

  signed_out_title: 'Sie sind abgemeldet',
  signed_out_intro: 'Sie können dieses Fenster schließen.',
  signed_out_sign_in: 'Erneut anmelden',
  signed_out_at: 'Bei {provider} abmelden',
  signed_out_upstream: 'Bei {provider} sind Sie möglicherweise noch angemeldet.',

  home_intro: 'Ein Konto für alle Ihre Anwendungen.',
  home_sign_in: 'Anmelden',
  home_developers: 'Für die Entwicklung',
  home_issuer: 'Issuer',
  home_discovery: 'Discovery-Dokument',
  home_playground: 'Playground',

  scopes: {
    openid: { title: 'Sie wiedererkennen', description: 'Eine Kennung Ihres Kontos, um Sie wiederzuerkennen.' },
    profile: { title: 'Ihr Profil', description: 'Ihr Name und weitere grundlegende Angaben.' },
    email: { title: 'Ihre E-Mail-Adresse', description: 'Die Adresse, und ob sie bestätigt ist.' },
    address: { title: 'Ihre Postanschrift', description: 'Die Anschrift in Ihrem Konto.' },
    phone: { title: 'Ihre Telefonnummer', description: 'Die Nummer, und ob sie bestätigt ist.' },
    offline_access: {
      title: 'Verbunden bleiben',
      description: 'Diesen Zugriff behalten, während Sie die Anwendung nicht benutzen.',
    },
    full_api_access: {
      title: 'In Ihrem Namen arbeiten',
      description: 'Über die API alles sehen und ändern, was Sie selbst sehen und ändern dürfen.',
    },
  },

  claims: {
    sub: 'Kennung',
    name: 'vollständiger Name',
    given_name: 'Vorname',
    family_name: 'Nachname',
    middle_name: 'zweiter Vorname',
    nickname: 'Spitzname',
    preferred_username: 'Benutzername',
    profile: 'Profilseite',
    picture: 'Bild',
    website: 'Website',
    gender: 'Geschlecht',
    birthdate: 'Geburtsdatum',
    zoneinfo: 'Zeitzone',
    locale: 'Sprache',
    updated_at: 'Zeitpunkt der letzten Änderung',
    email: 'E-Mail-Adresse',
    email_verified: 'ob die E-Mail-Adresse bestätigt ist',
    address: 'Postanschrift',
    phone_number: 'Telefonnummer',
    phone_number_verified: 'ob die Telefonnummer bestätigt ist',
  },
}
