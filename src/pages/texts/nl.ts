// What the pages say in Dutch.
import type { Texts } from './en.ts'

export const nl: Texts = {
  opens_in_new_tab: '(opent in een nieuw tabblad)',

  login_title: 'Inloggen',
  login_to_client: 'om door te gaan naar {client}',
  login_username: 'Gebruikersnaam',
  login_password: 'Wachtwoord',
  login_remember: 'Ingelogd blijven op dit apparaat',
  login_submit: 'Inloggen',
  login_or: 'of',
  login_with_provider: 'Inloggen met {provider}',
  login_remember_choice: 'Mijn keuze onthouden',
  login_other_ways: 'Andere manieren om in te loggen',
  login_error_prefix: 'Fout: {title}',
  problem_wrong_credentials: 'De gebruikersnaam of het wachtwoord klopt niet.',
  problem_locked: 'Te veel pogingen. Wacht een paar minuten en probeer het dan opnieuw.',
  problem_busy: 'Er loggen nu veel mensen in. Probeer het zo meteen opnieuw.',
  problem_no_way_in: 'Op dit moment staat geen enkele manier om in te loggen aan. Neem contact op met uw beheerder.',
  problem_not_fresh:
    'De applicatie vraagt om een nieuwere of sterkere aanmelding dan die van zojuist. Gebruik uw gebruikersnaam en wachtwoord.',

  client_policy: 'Privacybeleid',
  client_terms: 'Voorwaarden',

  consent_title: 'Toegang toestaan?',
  consent_intro: '{client} vraagt toegang tot uw account.',
  consent_signed_in_as: 'U bent ingelogd als {user}.',
  consent_list: 'Wat {client} krijgt',
  consent_claims: 'Gegevens uit uw account',
  consent_new: 'Nieuw',
  consent_trust: 'Sta dit alleen toe als u {client} vertrouwt.',
  consent_allow: 'Toestaan',
  consent_deny: 'Weigeren',

  select_title: 'Doorgaan met dit account?',
  select_intro: 'U bent al ingelogd.',
  select_client: '{client} vraagt welk account u wilt gebruiken.',
  select_continue: 'Doorgaan',
  select_other: 'Een ander account gebruiken',

  error_title: 'Er klopt iets niet',
  error_word: 'Fout',
  error_request:
    'De aanvraag kan niet worden voltooid. Meestal ligt dat aan een instelling van de applicatie waar u vandaan komt.',
  error_expired: 'Deze aanmelding duurde te lang. Begin opnieuw: er is niets verloren gegaan.',
  error_elsewhere: 'Deze aanmelding kan hier niet verdergaan. Ga terug naar de toepassing en begin opnieuw.',
  error_not_found: 'Deze pagina bestaat niet.',
  error_outage: 'Een deel van de dienst reageert op dit moment niet. Probeer het zo meteen opnieuw.',
  error_code: 'Foutcode',
  error_description: 'Wat er gebeurde',
  error_request_id: 'Aanvraagnummer',
  error_help: 'Blijft dit gebeuren? Geef dit aan uw beheerder:',
  action_try_again: 'Opnieuw proberen',
  action_back: 'Terug',
  action_home: 'Naar de startpagina',

  external_title: 'Inloggen met {provider} is niet gelukt',
  external_denied: '{provider} liet u niet toe, of u hebt geannuleerd.',
  external_no_account:
    '{provider} kent u, maar u hebt hier geen account. Vraag uw beheerder erom of gebruik een ander account.',
  external_account_disabled:
    'Uw account mag hier niet worden gebruikt om in te loggen. Neem contact op met uw beheerder.',
  external_provisioning:
    '{provider} kent u, maar uw account hier kon niet worden bijgewerkt. Uw beheerder kan zien waarom.',
  external_unreachable: '{provider} reageert op dit moment niet. Probeer het zo meteen opnieuw.',
  external_invalid_answer:
    'Het antwoord van {provider} kon niet worden aanvaard. Probeer het opnieuw; helpt dat niet, dan kan uw beheerder zien waarom.',
  external_too_weak:
    'De applicatie vraagt om een nieuwere of sterkere aanmelding dan {provider} gaf. Probeer het opnieuw en log daar opnieuw in.',
  external_used:
    'Deze aanmelding is al gebruikt of is ergens anders begonnen. Begin opnieuw: er is niets verloren gegaan.',

  form_post_title: 'Een ogenblik',
  form_post_intro: 'U gaat terug naar de applicatie.',
  form_post_submit: 'Doorgaan',

  account_title: 'U bent ingelogd',
  account_username: 'Gebruikersnaam',
  account_email: 'E-mailadres',
  account_sign_out: 'Uitloggen',
  account_provider: 'Ingelogd via',
  account_sign_out_here: 'Alleen hier uitloggen',
  account_sign_out_upstream: 'Ook bij {provider} uitloggen',

  signed_out_title: 'U bent uitgelogd',
  signed_out_intro: 'U kunt dit venster sluiten.',
  signed_out_sign_in: 'Opnieuw inloggen',
  signed_out_at: 'Uitloggen bij {provider}',
  signed_out_upstream: 'Bij {provider} bent u misschien nog ingelogd.',

  home_intro: 'Eén account voor al uw applicaties.',
  home_sign_in: 'Inloggen',
  home_developers: 'Voor ontwikkelaars',
  home_issuer: 'Issuer',
  home_discovery: 'Discovery-document',
  home_playground: 'Playground',

  scopes: {
    openid: { title: 'U herkennen', description: 'Een kenmerk van uw account, om u de volgende keer te herkennen.' },
    profile: { title: 'Uw profiel', description: 'Uw naam en andere basisgegevens.' },
    email: { title: 'Uw e-mailadres', description: 'Het adres, en of het is bevestigd.' },
    address: { title: 'Uw postadres', description: 'Het adres in uw account.' },
    phone: { title: 'Uw telefoonnummer', description: 'Het nummer, en of het is bevestigd.' },
    offline_access: {
      title: 'Verbonden blijven',
      description: 'Deze toegang behouden terwijl u de applicatie niet gebruikt.',
    },
    full_api_access: {
      title: 'Namens u werken',
      description: 'Via de API alles zien en wijzigen wat u zelf mag zien en wijzigen.',
    },
  },

  claims: {
    sub: 'kenmerk',
    name: 'volledige naam',
    given_name: 'voornaam',
    family_name: 'achternaam',
    middle_name: 'tweede naam',
    nickname: 'roepnaam',
    preferred_username: 'gebruikersnaam',
    profile: 'profielpagina',
    picture: 'foto',
    website: 'website',
    gender: 'geslacht',
    birthdate: 'geboortedatum',
    zoneinfo: 'tijdzone',
    locale: 'taal',
    updated_at: 'tijdstip van de laatste wijziging',
    email: 'e-mailadres',
    email_verified: 'of het e-mailadres is bevestigd',
    address: 'postadres',
    phone_number: 'telefoonnummer',
    phone_number_verified: 'of het telefoonnummer is bevestigd',
  },
}
