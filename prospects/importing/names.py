"""What columns are called: by people in five languages, and in the exports of other tools."""

LABELS = {
    "email": "Email address",
    "other_emails": "Further addresses",
    "first_name": "First name",
    "last_name": "Last name",
    "full_name": "First and last name in one",
    "company": "Company",
    "job_title": "Job title",
    "website": "Website",
    "x_handle": "X handle",
    "linkedin_url": "LinkedIn page",
    "country": "Country",
    "time_zone": "Time zone",
    "language": "Language",
    "tags": "Tags",
    "note": "Note",
    "owner": "Owner",
    "stage": "Stage",
    "contacted_elsewhere_at": "Last written to",
    "do_not_contact": "Do not contact",
    "kind": "Person or creator",
    "source": "Where we know them from",
    "legal_basis": "Legal basis",
    "notice_date": "Told what we hold on",
}
REPEATABLE = frozenset({"other_emails", "tags", "note", "do_not_contact"})  # several columns may mean it
BRINGS = frozenset({"email", "other_emails", "x_handle", "linkedin_url", "website"})  # a sheet without any is left out
OUR_EXPORT = (  # columns of an export that are not read back
    *("Site", "Kind of address", "Next step", "Next step due", "On hold", "Protected", "Added"),
)
OUR_OWN = ("Line in the file", "Sheet", "Why it was left out")  # of the left-out rows, which may come back corrected

# Headers in the spelling of `snake`. Instantly, Smartlead, Apollo, Hunter, BuzzStream and Pitchbox are all in here.
SYNONYMS = {
    "email": """
        email e_mail mail email_address e_mail_address mail_address email_id contact_email primary_email work_email
        business_email email_1 emailaddress lead_email person_email correo correo_electrónico correo_electronico
        adresse_e_mail adresse_mail courriel mail_adresse e_mail_adresse emailadresse email_adresse indirizzo_email
        indirizzo_e_mail posta_elettronica mel contact_email_address email_addresses emails mailadresse""",
    "other_emails": """
        secondary_email tertiary_email personal_email other_email other_emails additional_email additional_emails
        alternative_email alternate_email email_2 email_3 second_email email2 email3 further_addresses
        weitere_adressen weitere_e_mails zweite_e_mail autre_email otro_email altra_email personal_email_address""",
    "first_name": """
        first_name firstname first given_name givenname forename vorname prenom prénom nombre nome contact_first_name
        person_first_name lead_first_name fname primer_nombre rufname""",
    "last_name": """
        last_name lastname last surname family_name familyname nachname nom apellido apellidos cognome
        contact_last_name person_last_name lead_last_name lname nom_de_famille familienname""",
    "full_name": """
        full_name fullname name contact contact_name contact_person person who author author_name blogger influencer
        ansprechpartner ansprechpartnerin kontakt kontaktperson nom_complet nombre_completo nome_completo persona
        lead_name creator_name editor publisher_name journalist""",
    "company": """
        company company_name organisation organization organization_name business firma account account_name
        unternehmen société societe entreprise empresa azienda ditta employer publication outlet media_outlet brand
        merchant company_name_for_emails organisation_name site_name blog_name website_name publisher""",
    "job_title": """
        job_title jobtitle title position role job headline funktion poste cargo puesto ruolo berufsbezeichnung""",
    "website": """
        website url web web_site webseite homepage site site_web domain website_url company_website blog company_domain
        domain_name company_url web_page webpage sitio_web sitio página_web pagina_web sito sito_web internetseite
        internetadresse blog_url site_url partner_url link_partner_domain primary_website primary_website_url
        websites root_domain page_url publisher_url company_website_url""",
    "x_handle": """
        x_handle x handle twitter twitter_handle x_username twitter_username twitter_url x_url twitter_x x_twitter
        x_profile twitter_profile person_twitter_url twitter_account""",
    "linkedin_url": """
        linkedin_url linkedin linkedin_profile linkedin_profile_url person_linkedin_url linkedin_page profile_url
        linkedin_link contact_linkedin_url person_linkedin linkedin_profil""",
    "country": """
        country country_code land pays país pais paese nation staat country_name country_region person_country
        company_country contact_country market""",
    "time_zone": "time_zone timezone tz zeitzone fuseau_horaire zona_horaria fuso_orario",
    "language": "language lang locale sprache langue idioma lingua",
    "tags": """
        tags tag labels label lists list list_name groups group segment
        etiquetas""",
    "note": """
        note notes comment comments remark remarks notiz notizen kommentar kommentare bemerkung bemerkungen anmerkung
        anmerkungen remarque remarques commentaire commentaires nota notas comentario comentarios commento commenti""",
    "owner": """
        owner contact_owner account_owner lead_owner owned_by assigned_to assignee responsible person_responsible
        assigned_user zuständig zustaendig betreuer betreuerin bearbeiter verantwortlich responsable propriétaire
        propietario responsabile campaign_owner""",
    "stage": """
        stage status lead_status contact_stage relationship_stage outreach_stage outreach_status pipeline_stage phase
        stand état etat statut estado etapa stato fase relationship_status interest_status lead_category""",
    "contacted_elsewhere_at": """
        last_written_to last_contacted last_contact last_mailed last_emailed last_mail last_email last_outreach
        last_contacted_at last_contact_date last_contacted_date date_contacted contacted contacted_on contacted_at
        mailed mailed_on emailed emailed_on last_email_sent last_email_date email_sent_on date_sent sent_on last_touch
        last_touched timestamp_last_contact last_communication last_communication_date last_activity_date sent_date
        letzter_kontakt zuletzt_kontaktiert letzte_mail letzte_e_mail kontaktiert kontaktiert_am angeschrieben
        angeschrieben_am dernier_contact dernier_mail contacté contacté_le último_contacto ultimo_contacto
        ultimo_contatto contattato contattato_il last_sent last_sent_at outreach_date""",
    "do_not_contact": """
        do_not_contact dnc do_not_email do_not_mail donotcontact dont_contact don_t_contact never_contact no_contact
        opt_out opted_out optout optedout email_opt_out unsubscribed unsubscribe is_unsubscribed isunsubscribed
        blacklist blacklisted blocklist blocked suppressed suppress stop nicht_kontaktieren nicht_anschreiben
        nicht_mehr_kontaktieren gesperrt sperre abgemeldet ne_pas_contacter désinscrit desinscrit no_contactar
        no_escribir baja non_contattare disiscritto lead_unsubscribed bounced is_bounced email_bounced hard_bounced
        hard_bounce""",
    "kind": "kind",
    "source": "source lead_source quelle fuente origine herkunft where_we_know_them_from primary_email_source",
    "legal_basis": "legal_basis lawful_basis gdpr_basis rechtsgrundlage base_légale base_legale base_legal",
    "notice_date": """
        notice_date told_what_we_hold_on informed_on notified_on gdpr_notice gdpr_notice_date privacy_notice_date
        informiert_am informé_le informado_el informato_il""",
}
SYNONYMS = {field: f"{names} {LABELS[field].lower().replace(' ', '_')}" for field, names in SYNONYMS.items()}
FIELD_OF = {synonym: field for field, synonyms in SYNONYMS.items() for synonym in synonyms.split()}
