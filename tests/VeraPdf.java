import java.io.File;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Date;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.parsers.DocumentBuilderFactory;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;
import org.verapdf.pdfa.validation.profiles.ErrorArgument;
import org.verapdf.pdfa.validation.profiles.ErrorArgumentImpl;
import org.verapdf.pdfa.validation.profiles.Profiles;
import org.verapdf.pdfa.validation.profiles.Rule;
import org.verapdf.pdfa.validation.profiles.ValidationProfile;
import org.verapdf.pdfa.validation.profiles.Variable;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Judges PDF files by the library of veraPDF: FLAVOURS FILE..., as in "3b,ua1 report.pdf". One line for each flavor of each
 * file: the flavor, the number of checks, the file, and each rule that is not met as "clause-test: what it asks".
 */
public class VeraPdf {
    public static void main(String[] args) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (String name : args[0].split(",")) {
            PDFAFlavour flavour = PDFAFlavour.fromString(name);
            ValidationProfile profile = profile(flavour);
            for (int i = 1; i < args.length; i++) {
                try (PDFAParser parser = Foundries.defaultInstance().createParser(new File(args[i]), flavour)) {
                    ValidationResult found = Foundries.defaultInstance().createValidator(profile, false).validate(parser);
                    Set<String> failed = new TreeSet<>();
                    for (TestAssertion one : found.getTestAssertions())
                        if (one.getStatus() == TestAssertion.Status.FAILED)
                            failed.add(one.getRuleId().getClause() + "-" + one.getRuleId().getTestNumber() + ": " + one.getMessage());
                    if (failed.isEmpty() != found.isCompliant()) throw new IllegalStateException(args[i]);
                    System.out.println(String.join("\t", name, "" + found.getTotalAssertions(), args[i], String.join("\t", failed)));
                }
            }
        }
    }

    /** The rules of a flavor as veraPDF ships them; its own way to read them needs a library that is not there. */
    static ValidationProfile profile(PDFAFlavour flavour) throws Exception {
        String file = flavour == PDFAFlavour.PDFUA_1 ? "PDFUA-1" : "PDFA-" + flavour.getId().toUpperCase();
        Document read;
        try (InputStream in = VeraPdf.class.getResourceAsStream("/org/verapdf/pdfa/validation/" + file + ".xml")) {
            read = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in);
        }
        Set<Rule> rules = new HashSet<>();
        for (Element rule : all(read.getDocumentElement(), "rule")) {
            Element id = all(rule, "id").get(0), error = all(rule, "error").get(0);
            List<ErrorArgument> arguments = new ArrayList<>();
            for (Element one : all(error, "argument"))
                arguments.add(ErrorArgumentImpl.fromValues(one.getTextContent(), null, null));
            PDFAFlavour.Specification standard = PDFAFlavour.Specification.valueOf(id.getAttribute("specification"));
            rules.add(Profiles.ruleFromValues(
                Profiles.ruleIdFromValues(standard, id.getAttribute("clause"), Integer.parseInt(id.getAttribute("testNumber"))),
                rule.getAttribute("object"),
                rule.hasAttribute("deferred") ? Boolean.valueOf(rule.getAttribute("deferred")) : null,
                rule.getAttribute("tags"),
                text(rule, "description"),
                text(rule, "test"),
                Profiles.errorFromValues(text(error, "message"), arguments),
                new ArrayList<>()));
        }
        Set<Variable> variables = new HashSet<>();
        for (Element one : all(read.getDocumentElement(), "variable"))
            variables.add(Profiles.variableFromValues(
                one.getAttribute("name"), one.getAttribute("object"), text(one, "defaultValue"), text(one, "value")));
        if (rules.isEmpty()) throw new IllegalStateException(file + ": has no rules");
        return Profiles.profileFromValues(
            flavour, Profiles.profileDetailsFromValues(file, "", "veraPDF", new Date(0)), "", rules, variables);
    }

    static String text(Element parent, String name) {
        return all(parent, name).get(0).getTextContent();
    }

    static List<Element> all(Element parent, String name) {
        NodeList found = parent.getElementsByTagName(name);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < found.getLength(); i++) elements.add((Element) found.item(i));
        return elements;
    }
}
